"""Exports of machines' disks: what is asked for, which link is taken, and how its bytes come here."""
