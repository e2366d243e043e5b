"""Types of the names that `app` loads when they are used."""

from app.accounts import COORDINATOR as COORDINATOR
from app.accounts import READER as READER
from app.api import serve_explorer as serve_explorer
from app.api import serve_monitor as serve_monitor
from app.api import serve_reading_room as serve_reading_room
from app.configuration import settings as settings
from app.demo import draw_montage as draw_montage
from app.demo import make_demo as make_demo
from app.demo import new_code as new_code
from app.deployment import Deployment as Deployment
from app.deployment import write_deployment as write_deployment
from app.oidc.accounts import Accounts as Accounts
from app.oidc.accounts import read_accounts as read_accounts
from app.reader_view import ReaderView as ReaderView
from app.reader_view import Stage as Stage
from app.reader_view import find_reader_view as find_reader_view
from app.room import Room as Room
from app.room import open_room as open_room

__version__: str
__all__: list[str]
