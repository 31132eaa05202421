-- Where each component stands, by class, row and longitude, and the triggers that keep it so, whoever
-- writes. {n} is the number of rows in a degree of latitude, {shape} the row of what is no point.

CREATE TABLE component_places (
  class_code TEXT NOT NULL,
  row INTEGER NOT NULL,
  x DOUBLE NOT NULL,
  component INTEGER NOT NULL,
  y DOUBLE NOT NULL,
  PRIMARY KEY (class_code, row, x, component)
) WITHOUT ROWID;

CREATE TRIGGER component_places_insert AFTER INSERT ON components
  WHEN NOT ST_IsEmpty(NEW.geom)
BEGIN
  INSERT OR REPLACE INTO component_places
    SELECT NEW.class_code, CASE WHEN point THEN CAST(south * {n} AS INTEGER) ELSE {shape} END,
      CASE WHEN point THEN west ELSE 0 END, NEW.fid, CASE WHEN point THEN south ELSE 0 END
    FROM (SELECT ST_MinX(NEW.geom) AS west, ST_MinY(NEW.geom) AS south,
      ST_MinX(NEW.geom) = ST_MaxX(NEW.geom) AND ST_MinY(NEW.geom) = ST_MaxY(NEW.geom) AS point)
    WHERE point NOTNULL;
END;

CREATE TRIGGER component_places_update AFTER UPDATE OF fid, geom, class_code ON components
  WHEN OLD.fid <> NEW.fid OR OLD.geom IS NOT NEW.geom OR OLD.class_code <> NEW.class_code
BEGIN
  DELETE FROM component_places
    WHERE class_code = OLD.class_code AND row = {shape} AND x = 0 AND component = OLD.fid;
  DELETE FROM component_places
    WHERE class_code = OLD.class_code AND row = CAST(ST_MinY(OLD.geom) * {n} AS INTEGER)
      AND x = ST_MinX(OLD.geom) AND component = OLD.fid;
  INSERT OR REPLACE INTO component_places
    SELECT NEW.class_code, CASE WHEN point THEN CAST(south * {n} AS INTEGER) ELSE {shape} END,
      CASE WHEN point THEN west ELSE 0 END, NEW.fid, CASE WHEN point THEN south ELSE 0 END
    FROM (SELECT ST_MinX(NEW.geom) AS west, ST_MinY(NEW.geom) AS south,
      ST_MinX(NEW.geom) = ST_MaxX(NEW.geom) AND ST_MinY(NEW.geom) = ST_MaxY(NEW.geom) AS point)
    WHERE NOT ST_IsEmpty(NEW.geom) AND point NOTNULL;
END;

-- Before the R*Tree loses the box, so that a program without ST_MinX can delete. The tree rounds outwards:
-- a point's row is that of the southern or that of the northern side.
CREATE TRIGGER component_places_delete BEFORE DELETE ON components
BEGIN
  DELETE FROM component_places
    WHERE class_code = OLD.class_code AND row = {shape} AND x = 0 AND component = OLD.fid;
  DELETE FROM component_places
    WHERE class_code = OLD.class_code AND component = OLD.fid
      AND row IN (SELECT CAST(miny * {n} AS INTEGER) FROM rtree_components_geom WHERE id = OLD.fid
        UNION ALL SELECT CAST(maxy * {n} AS INTEGER) FROM rtree_components_geom WHERE id = OLD.fid)
      AND x BETWEEN (SELECT minx FROM rtree_components_geom WHERE id = OLD.fid)
        AND (SELECT maxx FROM rtree_components_geom WHERE id = OLD.fid);
END;
