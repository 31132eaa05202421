-- How a city of a former version is read until the first transaction upgrades it: what it lacks, as empty.

CREATE TEMP VIEW duties AS
  SELECT *, '' AS condition, '' AS place_name, '' AS note, NULL AS area_m2, NULL AS geom FROM main.duties;
CREATE TEMP VIEW spacings AS
  SELECT 0 AS fid, '' AS edition, '' AS class_code, 0 AS places, 0.0 AS spacing_m WHERE false;
CREATE TEMP VIEW rtree_duties_geom AS
  SELECT 0 AS id, 0.0 AS minx, 0.0 AS maxx, 0.0 AS miny, 0.0 AS maxy WHERE false;
