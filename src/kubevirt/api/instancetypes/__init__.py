"""Instance types and preferences at work: what a machine becomes by the ones it names.

Pure, as everything beside the types: objects of the cluster that are needed are asked for by generators (`lookups`),
and whoever runs them (webhooks, controller, `virtctl render`) looks them up in its own way. So there is one set of
rules, and no second path.

    conflicts, topology, sizes          an instance type put into a machine, or the fields in its way
    preferences, device_preferences     a preference put into a machine
    requirements                        what a preference demands
    expansion                           both together
    resources, matchers, matcher_rules  the kinds there are, and how machines name them
    lookups, finding                    what is named, or the copy that was made of it
    inference, volume_sources           what volumes name for their machine
    admission                           the defaults and rules of a machine that names some
"""
