"""The explorer in the browser: entry of the server's script."""

import streamlit as st

from app.pilo.page import show_page

if __name__ == "__main__":
    st.set_page_config(page_title="PILO", layout="wide")
    show_page()
