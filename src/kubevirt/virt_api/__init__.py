"""virt-api: admission of the API's objects, and the aggregated API of their sub-resources."""
