-- quickstart.lua -- from two files of blood cells to labelled cells, in one session.
--
--     celllab examples/sessions/quickstart.lua [FOLDER]      results go to FOLDER (default: the current one)
--     :run examples/sessions/quickstart.lua                  the same at the prompt; :step goes one statement at a time
--
-- 529 labelled cells (the reference) teach a model to label 171 others (the query).  The query's true labels lie
-- beside it in a CSV file; they are used at the end only, to see how good the labels are.

data = ((arg and arg[0] or ""):match("^(.*)sessions/") or "examples/") .. "data/"
out = arg and arg[1] or "."
os.execute("mkdir -p '" .. out .. "'")

-- 1. Read.  A Dataset prints as a summary; counts are stored packed, and never copied from here on.
ref = lab.read(data .. "pbmc_reference.h5ad")
query = lab.read(data .. "pbmc_query.h5ad")
print(ref)
print(ref.obs.cell_type:value_counts())

-- 2. Compare before anything is combined: the two gene lists differ.
print(lab.compare(ref, query))

-- 3. Filter.  Every step gives a new Dataset (a view); types with too few cells to learn from are left out.
ref = ref:keep_labels{by = "cell_type", min_cells = 5}:filter_cells{min_genes = 50}
query = query:filter_cells{min_genes = 50}

-- 4. One Dataset of both, over the genes they share; obs.dataset_id tells where a cell came from.
both = lab.concat({reference = ref, query = query}, {join = "inner", label = "dataset_id"})
both = both:filter_genes{min_cells = 3}

-- 5. Integrate: scVI learns what the cells have in common beyond their dataset.  Watch the curve in the pane.
m = lab.scvi(both, {n_latent = 10, batch = "dataset_id", seed = 0})
m:train{max_epochs = 100, early_stopping = true}
print(m)
print(m.history)
both.obsm.X_scVI = m:latent()

-- 6. Classify: XGBoost learns the reference's labels from the latent space and the genes that tell them apart.
clf = lab.xgboost{seed = 0}
clf:fit(both:where("dataset_id == 'reference'"), {labels = "cell_type", features = "combined"})
query = clf:annotate(query, {from = both})
print(query.obs:head(8))

-- 7. How good are they?  The labels held aside, cell by cell.
truth = lab.read_csv(data .. "pbmc_query_truth.csv"):lookup("cell", query.obs.index, "cell_type")
quality = lab.evaluate(truth, query.obs.predicted_cell_type)
print(quality)
print(quality:confusion())
print(lab.histogram(query.obs.prediction_confidence, {title = "confidence of the labels", bins = 10,
                                                       svg = out .. "/confidence.svg"}))

-- 8. Write: the labelled cells, their labels as a table, the figures.
query:write(out .. "/query_labelled.h5ad")
query:write_csv(out .. "/labels.csv", {"predicted_cell_type", "prediction_confidence"})
quality:csv(out .. "/evaluation.csv")
quality:json(out .. "/evaluation.json")
quality:svg(out .. "/confusion.svg")
m:save(out .. "/integration.h5")
clf:save(out .. "/classifier.h5")
print(string.format("accuracy %.3f, macro F1 %.3f; results are in %s: query_labelled.h5ad, labels.csv, evaluation.csv, " ..
                    "evaluation.json, confusion.svg, confidence.svg, integration.h5, classifier.h5",
                    quality.accuracy, quality.macro_f1, out))

-- 9. Memory goes back when it is asked for.
m:free()
clf:free()
