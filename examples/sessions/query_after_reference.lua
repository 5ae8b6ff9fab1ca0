-- query_after_reference.lua -- the query is loaded when the reference's memory has been given back: two peaks that do
-- not add up.  Labels need the reference's model, not the reference.
--
--     celllab examples/sessions/query_after_reference.lua [FOLDER]     results go to FOLDER (default: the current one)

data = ((arg and arg[0] or ""):match("^(.*)sessions/") or "examples/") .. "data/"
out = arg and arg[1] or "."
os.execute("mkdir -p '" .. out .. "'")

function live() -- bytes held now; what nobody can reach any more is collected first
    collectgarbage()
    return mem().live
end
function say(what) print(string.format("%-60s %10s held", what, lab.bytes(live()))) end

say("at the start")

-- 1. Which genes do both have?  Headers answer; nothing is loaded.
look = lab.inspect(data .. "pbmc_reference.h5ad", data .. "pbmc_query.h5ad")
print(string.format("%d genes in common", look.genes.shared))
say("both files were inspected")

-- 2. The reference alone: its genes that tell types apart, and a classifier over them.
do
    local ref <close> = lab.read(data .. "pbmc_reference.h5ad")
    say("the reference is loaded")
    local kept = ref:keep_labels{by = "cell_type", min_cells = 5}:filter_genes{min_cells = 3}
    clf = lab.xgboost{seed = 0, rounds = 30}:fit(kept, {labels = "cell_type", features = "genes"})
    clf:save(out .. "/types.h5")
    say("and its classifier is trained and saved")
    with_reference = live()
    clf:free()
end

-- 3. The reference is gone; the model comes back from its file, which is all that labelling needs.
collectgarbage()
say("the reference has been given back")
given_back = with_reference - live()
clf = lab.load(out .. "/types.h5")
query = lab.read(data .. "pbmc_query.h5ad")
say("its classifier and the query are loaded")
labelled = clf:annotate(query)
print(labelled.obs.predicted_cell_type:value_counts{top = 3})
labelled:write(out .. "/labelled.h5ad")
print(string.format("%s came back before the query was loaded", lab.bytes(given_back)))
assert(given_back > 0, "nothing was given back")

-- 4. Was it right?
truth = lab.read_csv(data .. "pbmc_query_truth.csv")
labelled.obs.truth = truth:lookup("cell", labelled.obs.index, "cell_type")
print(lab.evaluate(labelled.obs.truth, labelled.obs.predicted_cell_type))
