"""The node controller: notices nodes whose virt-handler no longer answers, and gives up VMIs that were lost with
one.
"""
