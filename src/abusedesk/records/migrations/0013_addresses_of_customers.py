from django.db import migrations, models
from django.db.models.functions import Lower


class Migration(migrations.Migration):
    dependencies = [("records", "0012_measures_on_an_address")]

    operations = [
        migrations.AddIndex("customer", models.Index(Lower("email"), name="customer_by_email")),
        migrations.AddIndex("contact", models.Index(Lower("email"), name="contact_by_email")),
    ]
