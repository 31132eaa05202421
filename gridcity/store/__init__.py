"""Where a city is kept: the protocol, the GeoPackage behind it, and its geometry blobs."""
