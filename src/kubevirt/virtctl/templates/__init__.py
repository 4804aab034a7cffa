"""Templates of virtual machines: parameters put into them here, and templates of other kinds taken over."""
