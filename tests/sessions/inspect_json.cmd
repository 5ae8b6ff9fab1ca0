# out: "n_obs": 470
# not-err: error
inspect {EXAMPLES}/pbmc_reference.h5ad {EXAMPLES}/pbmc_query.h5ad --json
