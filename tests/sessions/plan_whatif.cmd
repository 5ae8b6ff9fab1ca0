# exit: 2
# err: no change
plan --whatif join=middle x.lua
