-- Users of a load test: limits of one user or one address do not hold them.
-- `plaza loadtest seed` alone sets it, in the row's insertion.
ALTER TABLE users ADD COLUMN synthetic boolean NOT NULL DEFAULT false;
