-- What people search for sections by (store/search.py).
CREATE INDEX sections_by_name ON sections (district_id, LOWER(name), id);
