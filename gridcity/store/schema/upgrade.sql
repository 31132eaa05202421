-- What a city of version 2 lacks: duties with places of their own, and the spacing of classes. The triggers
-- of the new layer come after it.

ALTER TABLE duties ADD COLUMN condition TEXT NOT NULL DEFAULT '';
ALTER TABLE duties ADD COLUMN place_name TEXT NOT NULL DEFAULT '';
ALTER TABLE duties ADD COLUMN note TEXT NOT NULL DEFAULT '';
ALTER TABLE duties ADD COLUMN area_m2 DOUBLE;
ALTER TABLE duties ADD COLUMN geom MULTIPOLYGON;

CREATE TABLE spacings (
  fid INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
  edition TEXT NOT NULL,
  class_code TEXT NOT NULL,
  places INTEGER NOT NULL,
  spacing_m DOUBLE NOT NULL,
  UNIQUE (edition, class_code)
);

INSERT INTO gpkg_contents (table_name, data_type, identifier) VALUES ('spacings', 'attributes', 'spacings');
UPDATE gpkg_contents SET data_type = 'features',
  srs_id = (SELECT srs_id FROM gpkg_contents WHERE table_name = 'cells') WHERE table_name = 'duties';
INSERT INTO gpkg_geometry_columns
  SELECT 'duties', 'geom', 'MULTIPOLYGON', srs_id, 0, 0 FROM gpkg_contents WHERE table_name = 'duties';
INSERT INTO gpkg_extensions VALUES ('duties', 'geom', 'gpkg_rtree_index',
  'http://www.geopackage.org/spec120/#extension_rtree', 'write-only');
