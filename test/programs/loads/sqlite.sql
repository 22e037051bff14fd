-- An in-memory database: page cache, sorter, expression and b-tree allocations; the pages change
-- hands as rows are deleted and inserted again.
PRAGMA cache_size = -65536;
PRAGMA temp_store = MEMORY;
CREATE TABLE item (id INTEGER PRIMARY KEY, kind INTEGER, name TEXT, body BLOB);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 120000)
INSERT INTO item SELECT i, (i * 7919) % 97, printf('name-%06d', (i * 104729) % 120000),
       zeroblob(20 + (i * 31) % 200) FROM n;
CREATE INDEX item_name ON item (name);
CREATE INDEX item_kind ON item (kind, id);
DELETE FROM item WHERE id % 3 = 0;
INSERT INTO item SELECT id + 1000000, kind, name || '-again', body FROM item WHERE id % 2 = 0;
SELECT kind, count(*), sum(length(body)), min(name), max(name) FROM item
       GROUP BY kind ORDER BY kind;
SELECT count(*), sum(a.id) FROM item a JOIN item b ON a.name || '-again' = b.name;
SELECT group_concat(name, ',') FROM (SELECT name FROM item ORDER BY substr(name, 8), id LIMIT 500);
SELECT id, json_object('name', name, 'kind', kind) FROM item ORDER BY name DESC LIMIT 100;
