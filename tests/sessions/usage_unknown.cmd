# exit: 2
# err: no command or script 'plam'
plam
