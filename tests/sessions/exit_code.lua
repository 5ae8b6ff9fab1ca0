-- exit: 7
-- out: before
-- not-out: after
print("before")
pcall(os.exit, 7)
print("after")
