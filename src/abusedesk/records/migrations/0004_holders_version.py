"""A number that rises with every change of who holds what, so that tables in memory know when they are stale."""

from django.db import migrations

FORWARD = """
CREATE TABLE records_holdersversion (id integer PRIMARY KEY CHECK (id = 1), version bigint NOT NULL);
INSERT INTO records_holdersversion VALUES (1, 1);
CREATE FUNCTION records_holders_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE records_holdersversion SET version = version + 1;
    RETURN NULL;
END $$;
CREATE TRIGGER holders_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON records_assignment
    FOR EACH STATEMENT EXECUTE FUNCTION records_holders_changed();
CREATE TRIGGER holders_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON records_declaredname
    FOR EACH STATEMENT EXECUTE FUNCTION records_holders_changed();
CREATE TRIGGER holders_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON records_service
    FOR EACH STATEMENT EXECUTE FUNCTION records_holders_changed();
"""

BACK = """
DROP TRIGGER holders_changed ON records_service;
DROP TRIGGER holders_changed ON records_declaredname;
DROP TRIGGER holders_changed ON records_assignment;
DROP FUNCTION records_holders_changed();
DROP TABLE records_holdersversion;
"""


class Migration(migrations.Migration):
    dependencies = [("records", "0003_heartbeat")]

    operations = [migrations.RunSQL(FORWARD, BACK)]
