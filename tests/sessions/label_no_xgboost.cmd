# exit: 1
# env: CELLLAB_XGBOOST=/nonexistent.so
# err: the XGBoost library (1.7 or later) was not found
# not-err: counts are
label --reference {DATA}/symbols.h5ad --query {DATA}/symbols.h5ad --label cell_type -o out.h5ad
