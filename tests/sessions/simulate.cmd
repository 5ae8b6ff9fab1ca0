# file: pair/reference.h5ad
# file: pair/query.h5ad
# out: pair/query.h5ad
simulate --cells 200 --query-cells 100 --genes 600 --depth 200 --types 3 -o pair
