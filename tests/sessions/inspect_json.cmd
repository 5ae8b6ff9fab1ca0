# out: "n_obs": 529
# not-err: error
inspect {EXAMPLES}/pbmc_reference.h5ad {EXAMPLES}/pbmc_query.h5ad --json
