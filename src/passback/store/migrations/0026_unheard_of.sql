-- What the clients of a lane have not heard of: a newer change of it asks for that each time.
CREATE INDEX deliveries_untold_in_lane ON deliveries (lane) WHERE untold = 1;
