"""The pool controller: keeps a number of numbered virtual machines, and rolls changes of their template out."""
