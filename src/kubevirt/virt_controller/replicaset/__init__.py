"""The replica set controller: keeps as many like instances as are wanted."""
