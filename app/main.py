"""The reading room: the script of its pages, and its server.

`magic-app read` and `streamlit run app/main.py` are the same server.
It runs this file anew, as `__main__`, for every page that it shows.
"""

import streamlit as st

try:
    from app import door, server
except ImportError as error:  # run from a clone that is not installed, or shadowed
    _missing = f"magic-ctp must be installed: pip install -e . in its folder ({error})"
else:
    _missing = ""

if __name__ == "__main__":
    st.set_page_config(page_title="Reading room", layout="wide")
    if _missing:
        st.text(_missing)
    else:
        door.show_reading_room()
else:
    application = st.App(__file__, **({} if _missing else server.reading_room()))
