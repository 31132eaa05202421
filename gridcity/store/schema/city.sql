-- The tables of a city. Dates are ISO text; a missing text is the empty string; codes are text.

CREATE TABLE areas (
  fid INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
  geom MULTIPOLYGON,
  level TEXT NOT NULL CHECK (level IN ('district', 'street', 'community')),
  code TEXT NOT NULL DEFAULT '',
  name TEXT NOT NULL DEFAULT '',
  parent_id INTEGER REFERENCES areas(fid),
  receipt INTEGER NOT NULL REFERENCES receipts(fid)
);
CREATE UNIQUE INDEX areas_code ON areas(code) WHERE code <> '';

CREATE TABLE cells (
  fid INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
  geom MULTIPOLYGON NOT NULL,
  code TEXT NOT NULL DEFAULT '',
  edition TEXT NOT NULL DEFAULT '',
  name TEXT NOT NULL DEFAULT '',
  community_id INTEGER REFERENCES areas(fid),
  street_id INTEGER REFERENCES areas(fid),
  area_m2 DOUBLE NOT NULL,
  key TEXT NOT NULL DEFAULT '',
  note TEXT NOT NULL DEFAULT '',
  since TEXT NOT NULL DEFAULT '',
  until TEXT NOT NULL DEFAULT '',
  receipt INTEGER NOT NULL REFERENCES receipts(fid)
);
CREATE UNIQUE INDEX cells_code ON cells(code) WHERE code <> '';

CREATE TABLE components (
  fid INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
  geom GEOMETRY NOT NULL,
  code TEXT NOT NULL,
  edition TEXT NOT NULL,
  class_code TEXT NOT NULL,
  class_name TEXT NOT NULL,
  name TEXT NOT NULL DEFAULT '',
  cell_id INTEGER REFERENCES cells(fid),
  state TEXT NOT NULL DEFAULT '',
  supervisor_code TEXT NOT NULL DEFAULT '',
  supervisor_name TEXT NOT NULL DEFAULT '',
  owner_code TEXT NOT NULL DEFAULT '',
  owner_name TEXT NOT NULL DEFAULT '',
  maintainer_code TEXT NOT NULL DEFAULT '',
  maintainer_name TEXT NOT NULL DEFAULT '',
  initial_date TEXT NOT NULL DEFAULT '',
  changed_date TEXT NOT NULL DEFAULT '',
  data_source TEXT NOT NULL DEFAULT '',
  note TEXT NOT NULL DEFAULT '',
  declared_cell TEXT NOT NULL DEFAULT '',
  key TEXT NOT NULL DEFAULT '',
  since TEXT NOT NULL DEFAULT '',
  until TEXT NOT NULL DEFAULT '',
  receipt INTEGER NOT NULL REFERENCES receipts(fid)
);
CREATE UNIQUE INDEX components_code ON components(code, edition) WHERE code <> '';
CREATE INDEX components_class ON components(class_code);
CREATE INDEX components_cell ON components(cell_id);

CREATE TABLE parties (
  fid INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
  code TEXT NOT NULL DEFAULT '',
  name TEXT NOT NULL,
  kind TEXT NOT NULL DEFAULT '',
  aliases TEXT NOT NULL DEFAULT '',
  parent_code TEXT NOT NULL DEFAULT '',
  since TEXT NOT NULL DEFAULT '',
  until TEXT NOT NULL DEFAULT '',
  receipt INTEGER NOT NULL REFERENCES receipts(fid)
);
CREATE UNIQUE INDEX parties_code ON parties(code) WHERE code <> '';

-- A duty may have a place of its own, a park, a road, a market: else area and geometry are NULL.
CREATE TABLE duties (
  fid INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
  party_code TEXT NOT NULL DEFAULT '',
  party_name TEXT NOT NULL,
  role TEXT NOT NULL DEFAULT 'handler',
  class_kind TEXT NOT NULL DEFAULT '',
  class_code TEXT NOT NULL DEFAULT '',
  class_name TEXT NOT NULL DEFAULT '',
  edition TEXT NOT NULL DEFAULT '',
  place_code TEXT NOT NULL,
  since TEXT NOT NULL DEFAULT '',
  until TEXT NOT NULL DEFAULT '',
  priority INTEGER NOT NULL DEFAULT 0,
  receipt INTEGER NOT NULL REFERENCES receipts(fid),
  condition TEXT NOT NULL DEFAULT '',
  place_name TEXT NOT NULL DEFAULT '',
  note TEXT NOT NULL DEFAULT '',
  area_m2 DOUBLE,
  geom MULTIPOLYGON
);
CREATE INDEX duties_place ON duties(place_code);

-- How far the components of a class that are points usually stand from the next one of their class.
CREATE TABLE spacings (
  fid INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
  edition TEXT NOT NULL,
  class_code TEXT NOT NULL,
  places INTEGER NOT NULL,
  spacing_m DOUBLE NOT NULL,
  UNIQUE (edition, class_code)
);

CREATE TABLE receipts (
  fid INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
  at TEXT NOT NULL,
  kind TEXT NOT NULL,
  source TEXT NOT NULL,
  layer TEXT NOT NULL,
  sha256 TEXT NOT NULL,
  system TEXT NOT NULL,
  system_wkt TEXT NOT NULL,
  datum TEXT NOT NULL,
  encoding TEXT NOT NULL,
  options TEXT NOT NULL,
  read INTEGER NOT NULL,
  added INTEGER NOT NULL,
  changed INTEGER NOT NULL,
  unchanged INTEGER NOT NULL,
  rejected INTEGER NOT NULL,
  collapsed INTEGER NOT NULL,
  findings TEXT NOT NULL DEFAULT '{}',
  CHECK (read = added + changed + unchanged + rejected)
);

-- The errors and warnings of every import; the rows with an error were rejected. Notes are only counted,
-- in the receipt: a check of the city finds them again.
CREATE TABLE findings (
  fid INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
  receipt INTEGER NOT NULL REFERENCES receipts(fid),
  rule TEXT NOT NULL,
  severity TEXT NOT NULL,
  row INTEGER,
  field TEXT NOT NULL,
  value TEXT NOT NULL,
  message TEXT NOT NULL,
  hint TEXT NOT NULL
);
CREATE INDEX findings_receipt ON findings(receipt);

-- The whole content of every rejected row, as it arrived.
CREATE TABLE rejected_rows (
  fid INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
  receipt INTEGER NOT NULL REFERENCES receipts(fid),
  row INTEGER NOT NULL,
  record TEXT NOT NULL
);
CREATE INDEX rejected_rows_receipt ON rejected_rows(receipt);

-- What an object was before an import changed it.
CREATE TABLE history (
  fid INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
  table_name TEXT NOT NULL,
  object_id INTEGER NOT NULL,
  replaced_by INTEGER NOT NULL REFERENCES receipts(fid),
  record TEXT NOT NULL,
  geom BLOB
);
CREATE INDEX history_object ON history(table_name, object_id);

-- The highest serial ever given below a prefix; it never falls.
CREATE TABLE serials (
  fid INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
  prefix TEXT NOT NULL UNIQUE,
  last INTEGER NOT NULL
);

CREATE TABLE gridcity_meta (
  fid INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
  key TEXT NOT NULL UNIQUE,
  value TEXT NOT NULL
);
