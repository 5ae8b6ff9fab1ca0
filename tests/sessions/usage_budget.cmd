# exit: 2
# err: --budget takes bytes
--budget much -e 1
