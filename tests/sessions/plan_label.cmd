# out: XGBoost Training
# out: --mem=
# no-file: out.h5ad
label --plan --reference {EXAMPLES}/pbmc_reference.h5ad --query {EXAMPLES}/pbmc_query.h5ad --label cell_type -o out.h5ad
