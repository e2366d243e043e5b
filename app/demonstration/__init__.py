"""The whole chain on digital patients, by the programs themselves."""
