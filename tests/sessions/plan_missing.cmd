# exit: 1
# err: the plan found an error
# err: there is no file
plan {DATA}/plan_missing.lua
