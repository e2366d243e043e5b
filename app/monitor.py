"""The coordinator's desk in the browser: entry of the server's script."""

import streamlit as st

from app.coordinator.page import show_page

if __name__ == "__main__":
    st.set_page_config(page_title="Monitor", layout="wide")
    show_page()
