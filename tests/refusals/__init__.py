"""What is refused, with reason, field and wording: tables that unit tests put to the rules, and API tests to a cluster.

Each row changes one thing of an object that is admitted. A topic has a module; `samples` has the objects.
"""
