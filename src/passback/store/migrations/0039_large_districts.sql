-- What has not arrived (store/not_arrived.py), of a district or of an application in it, in the order of ids; without
-- what later changes made up for.
ALTER TABLE deliveries ADD COLUMN made_up SMALLINT NOT NULL DEFAULT 0;
CREATE INDEX deliveries_open ON deliveries (party, id)
    WHERE state IN ('waiting', 'delivering') AND operation <> 'update_submissions';
CREATE INDEX deliveries_open_of_application ON deliveries (party, application, id)
    WHERE state IN ('waiting', 'delivering') AND operation <> 'update_submissions';
CREATE INDEX deliveries_missing ON deliveries (party, id, lane, rank)
    WHERE state IN ('refused', 'expired', 'failed') AND made_up = 0
    AND operation NOT IN ('update_submissions', 'send_webhook');
CREATE INDEX deliveries_missing_of_application ON deliveries (party, application, id)
    WHERE state IN ('refused', 'expired', 'failed') AND made_up = 0
    AND operation NOT IN ('update_submissions', 'send_webhook');

-- How many objects of each kind the roster has, as JSON behind the version of it that has so many.
ALTER TABLE districts ADD COLUMN roster_sizes TEXT;

-- Each filter of the audit.
CREATE INDEX audit_by_district ON audit (district, id);
CREATE INDEX audit_by_district_and_action ON audit (district, action, id);
CREATE INDEX audit_by_action ON audit (action, id);
CREATE INDEX audit_by_actor ON audit (actor, id);
