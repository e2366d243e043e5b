"""Generated maps judged against measured ones, beside predictors that know nothing."""
