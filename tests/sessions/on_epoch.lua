-- out: caught this model is being trained: on_epoch cannot train it
-- out: caught this Integration is being trained: on_epoch cannot free it
-- out: caught from the callback
-- out: stopped after 2
-- out: the same curve
-- What a callback may do with the model that is being trained, and what is refused in words.
local ds = lab.read(arg[1] .. "/symbols.h5ad")

local function train(on_epoch, batch_size)
    local m = lab.scvi(ds, {n_latent = 2, n_hidden = 8, seed = 1, device = "cpu"})
    m:train{max_epochs = 3, batch_size = batch_size, check_val_every = 1, on_epoch = on_epoch}
    return m
end
local function caught(on_epoch)
    local ok, e = pcall(train, on_epoch)
    assert(not ok)
    print("caught " .. (type(e) == "userdata" and e.message or tostring(e):gsub("^.-: ", "")))
end

local m = lab.scvi(ds, {n_latent = 2, n_hidden = 8, device = "cpu"})
caught(function() m:train{max_epochs = 1, on_epoch = function() m:train{max_epochs = 1} end} end)
caught(function() m:train{max_epochs = 1, on_epoch = function() m:free() end} end)
caught(function() error("from the callback") end)
print("stopped after " .. train(function(epoch) return epoch < 2 end).epochs)

-- A latent in the middle changes nothing, whether the minibatch is larger or smaller than its blocks.
for _, size in ipairs{4, 20, 256} do
    local inner
    local a = train(nil, size)
    local c = lab.scvi(ds, {n_latent = 2, n_hidden = 8, seed = 1, device = "cpu"})
    c:train{max_epochs = 3, batch_size = size, check_val_every = 1, on_epoch = function() inner = c:latent() end}
    for i = 1, 3 do
        assert(a.history.elbo_train[i] == c.history.elbo_train[i])
        assert(a.history.elbo_validation[i] == c.history.elbo_validation[i])
    end
    assert(inner[20][2] == c:latent()[20][2] and inner[20][2] == a:latent()[20][2])
end
print("the same curve")
