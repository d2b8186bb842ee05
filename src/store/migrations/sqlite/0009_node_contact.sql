-- When a node last answered: of interest to people only, so it is written now and then and may be lost.

ALTER TABLE node ADD COLUMN contact_at_ms INTEGER NOT NULL DEFAULT 0;
