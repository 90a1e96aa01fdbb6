import os

SECRET_KEY = "-"
INSTALLED_APPS = ["application"]
DATABASES = {
    "default": {"ENGINE": "django.db.backends.postgresql", "NAME": os.environ["PGDATABASE"]}
}
