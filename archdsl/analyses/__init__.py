"""Reports on a network. Each reads the facets of the layers' classes; none names a layer."""
