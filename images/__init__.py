"""Container images without a container engine: Debian packages in, OCI image tars out.

`python -m images build` makes what a cluster needs to run this project; `python -m images push` sends it to a registry.
Nothing here knows the add-on's inside: the virt image takes `src/kubevirt` as files. See docs/images.md.
"""
