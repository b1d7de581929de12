"""The API and the public pages on doubles, and who calls and visits them."""

import pytest
from flask.testing import FlaskClient

from tests.doubles_api import FakeApi
from tests.pages_app import Site


@pytest.fixture
def api() -> FakeApi:
    """Give the use cases behind the API."""
    return FakeApi()


@pytest.fixture
def client(api: FakeApi) -> FlaskClient:
    """Give who calls the API."""
    return api.client()


@pytest.fixture
def site() -> Site:
    """Give the use cases behind the public pages."""
    return Site()


@pytest.fixture
def visitor(site: Site) -> FlaskClient:
    """Give who visits the public pages."""
    return site.app().test_client()
