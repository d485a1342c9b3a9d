-- Until when an activity that was chosen can become its assignment. Those that are here already have until 2029.
ALTER TABLE chosen_activities ADD COLUMN expires BIGINT NOT NULL DEFAULT 1861920000000;
CREATE INDEX chosen_activities_by_expiry ON chosen_activities (expires);
