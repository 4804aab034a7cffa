"""Instance types and preferences at work: what a machine becomes by the ones it names.

Pure, as everything beside the types: objects of the cluster that are needed are asked for by generators (`lookups`),
and whoever runs them (webhooks, controller, `virtctl render`) looks them up in its own way. So there is one set of
rules, and no second path.

    conflicts, topology, sizes          an instance type put into a machine, or the fields in its way
    preferences, device_preferences     a preference put into a machine
    requirements                        what a preference demands
    expansion                           both together
    resources, matchers, finding        which ones a machine names
    inference, volume_sources           which ones its volumes name for it
    admission                           the defaults and rules of a machine that names some
"""
