/* docs.c -- what can be called besides the steps, in one list that help and completion read.  Data only. */
#include <string.h>

#include "label/classifier.h"
#include "lua_impl.h"
#include "steps/simulate.h"

#define COUNT(a) ((int)(sizeof(a) / sizeof *(a)))

const clab_param clab__read_params[] = {
    {"counts", CLAB_P_STR, "auto", 0, 0, "auto|X|raw", "", "where the counts are: auto, X, raw or layers.NAME"},
    {"genome", CLAB_P_STR, "", 0, 0, NULL, "", "which genome of a 10x file that holds several"},
    {"backed", CLAB_P_BOOL, "false", 0, 0, NULL, "",
     "true: keep the packed counts in a scratch file instead of memory; the same results, slower; "
     "\"r\": leave them in their own file, read through at every pass; \"r+\": the same, and ds:save() puts what was "
     "added beside X into the file"},
    {"scratch", CLAB_P_STR, "", 0, 0, NULL, "",
     "folder of that file, on a disk; by default $TMPDIR, else /var/tmp"},
    {"orient", CLAB_P_ENUM, "auto", 0, 0, "auto|cells|genes", "", "text: what its rows are; auto finds out, and says so"},
    {"delimiter", CLAB_P_STR, "auto", 0, 0, NULL, "",
     "tables of text: what stands between fields, one character, tab or blanks"},
    {"prefix", CLAB_P_STR, "", 0, 0, NULL, "", "10x folders: what the names of the files begin with"},
    {"cols", CLAB_P_STRS, "", 0, 0, NULL, "", "obs columns to read; the others stay in the file"},
    {"genes", CLAB_P_STRS, "", 0, 0, NULL, "", "genes to keep, by name, or a text file with one a line"},
    {"cells", CLAB_P_STRS, "", 0, 0, NULL, "",
     "cells to read: names, or an expression over obs in quotes, as where() takes it"},
    {"genes_key", CLAB_P_STR, "", 0, 0, NULL, "", "var column that names the genes; the old index stays as a column"},
    {"strip_version", CLAB_P_BOOL, "false", 0, 0, NULL, "", "ENSG00000000003.15 becomes ENSG00000000003"},
    {"duplicates", CLAB_P_ENUM, "suffix", 0, 0, "suffix|sum|first|error|keep", "",
     "a gene name that occurs again gets a number, is added to the first, left out, refused or kept"},
};
const int clab__n_read = COUNT(clab__read_params);

const clab_param clab__inspect_params[] = {
    {"full", CLAB_P_BOOL, "false", 0, 0, NULL, "", "look at every value, not at a sample"},
};
const int clab__n_inspect = COUNT(clab__inspect_params);

const clab_param clab__rank_table_params[] = {
    {"group", CLAB_P_STR, "", 0, 0, NULL, "", "of this group; default every group, one after another"},
    {"n", CLAB_P_INT, "10", 1, 2147483647, NULL, "genes", "best genes of each"},
    {"key", CLAB_P_STR, "", 0, 0, NULL, "", "name in uns, where key_added gave another than rank_genes_groups"},
};
const int clab__n_rank_table = COUNT(clab__rank_table_params);

const clab_param clab__write_params[] = {
    {"compression", CLAB_P_INT, "4", 0, 9, NULL, "", "deflate level"},
    {"dense", CLAB_P_BOOL, "false", 0, 0, NULL, "", ".h5ad: write X even where it would become dense"},
    {"format", CLAB_P_ENUM, "", 0, 0, "h5ad|10x_mtx|csv|tsv", "",
     "of what is written; by default the path tells: \"DIR/\" is 10x_mtx, .csv and .tsv (or with .gz) are X as text"},
};
const int clab__n_write = COUNT(clab__write_params);

const clab_param clab__concat_params[] = {
    {"join", CLAB_P_ENUM, "inner", 0, 0, "inner|outer", "", "genes that all have, or that any has"},
    {"label", CLAB_P_STR, "dataset_id", 0, 0, NULL, "",
     "obs column that tells where a cell came from; \"\" = none"},
    {"keys", CLAB_P_STRS, "", 0, 0, NULL, "", "names of the datasets of a list"},
    {"index_unique", CLAB_P_STR, "", 0, 0, NULL, "", "joins a cell's name and its dataset's key, as \"-\""},
    {"merge", CLAB_P_ENUM, "", 0, 0, "same|unique|first|only", "", "which var columns survive"},
    {"uns_merge", CLAB_P_ENUM, "", 0, 0, "same|unique|first|only", "", "which keys of uns survive"},
    {"fill", CLAB_P_NUM, "", 0, 0, NULL, "",
     "outer: value where a dataset has no gene, layer or obsm; by default 0, NaN where all are dense"},
    {"obs_join", CLAB_P_ENUM, "outer", 0, 0, "inner|outer", "", "obs columns that all have, or that any has"},
    {"min_shared", CLAB_P_NUM, "0.1", 0, 1, NULL, "",
     "refuse when fewer of the smallest study's genes are shared"},
    {"map", CLAB_P_BOOL, "false", 0, 0, NULL, "", "join by gene: IDs and symbols are translated by columns and a table"},
    {"pairwise", CLAB_P_BOOL, "false", 0, 0, NULL, "", "keep obsp, block by block"},
};
const int clab__n_concat = COUNT(clab__concat_params);

const clab_param clab__common_params[] = {
    {"by", CLAB_P_VAR, "", 0, 0, NULL, "", "var column that holds the names to compare"},
    {"strip_version", CLAB_P_BOOL, "false", 0, 0, NULL, "", "ENSG00000000003.15 counts as ENSG00000000003"},
    {"map", CLAB_P_BOOL, "false", 0, 0, NULL, "", "match by gene: IDs and symbols are translated by columns and a table"},
};
const int clab__n_common = COUNT(clab__common_params);

const clab_param clab__counts_params[] = {
    {"top", CLAB_P_INT, "", 1, 1e15, NULL, "values", "only the most frequent"},
};
const int clab__n_counts = COUNT(clab__counts_params);

const clab_param clab__histogram_params[] = {
    {"title", CLAB_P_STR, "", 0, 0, NULL, "", "words above it"},
    {"bins", CLAB_P_INT, "20", 1, 200, NULL, "bars", "how many"},
    {"svg", CLAB_P_STR, "", 0, 0, NULL, "", "path of a figure to write"},
};
const int clab__n_histogram = COUNT(clab__histogram_params);

#define P(params, n) params, &n
#define NO_PARAMS NULL, NULL

static const clab__doc docs[] = {
    {"lab", "read", "lab.read(path, {counts=\"auto\"})", "a Dataset from an .h5ad, 10x .h5, 10x mtx folder, loom, .mtx, CSV or TSV",
     P(clab__read_params, clab__n_read), false},
    {"lab", "read_csv", "lab.read_csv(path)", "a table of text columns from a small CSV file", NO_PARAMS,
     false},
    {"lab", "plan", "lab.plan(function() ... end [, change])",
     "what a function will hold and take, line by line, without doing it; under changes such as \"join=outer\"", NO_PARAMS,
     false},
    {"lab", "whatif", "lab.whatif{reference={cells, genes}, query={cells, genes}, union=genes, density=0.09, dtype=\"float64\"}",
     "the memory guide's calculation beside what celllab holds, without any file", NO_PARAMS, false},
    {"lab", "inspect", "lab.inspect(path [, path] [, {full=false}])",
     "what files hold, from their headers, without loading X", P(clab__inspect_params, clab__n_inspect), false},
    {"lab", "compare", "lab.compare(a [, b])", "shapes, genes in common, what a concat would cost", NO_PARAMS,
     false},
    {"lab", "common_genes", "a, b = lab.common_genes({a, b}, {by=column})",
     "the same datasets with the genes all of them have", P(clab__common_params, clab__n_common), false},
    {"lab", "concat", "lab.concat({reference=a, query=b}, {join=\"inner\"})",
     "cells of several datasets as one, without copying counts", P(clab__concat_params, clab__n_concat), false},
    {"lab", "rank_genes_table", "lab.rank_genes_table(ds, {group=\"B\", n=10})",
     "the best genes that rank_genes_groups found, as a table", P(clab__rank_table_params, clab__n_rank_table), false},
    {"lab", "genes", "lab.genes(a [, b ...])", "how genes are called, and how many are the same by gene", NO_PARAMS, false},
    {"lab", "simulate", "a, b = lab.simulate{cells=50000, query_cells=60000, genes=30000, path=folder}",
     "made-up studies with known types, in memory or as files", P(clab_simulate_params, clab_simulate_n_params),
     false},
    {"lab", "scvi", "lab.scvi(dataset, {n_latent=30, batch=\"dataset_id\"})",
     "an scVI model over the counts of a dataset", P(clab_scvi_params, clab_scvi_n_params), false},
    {"lab", "xgboost", "lab.xgboost{seed=0}", "a gradient-boosting classifier of cells",
     P(clab_xgboost_params, clab_xgboost_n_params), false},
    {"lab", "load", "lab.load(path)", "a model that was saved", NO_PARAMS, false},
    {"lab", "evaluate", "lab.evaluate(truth, predicted)", "accuracy, F1 and confusion matrix of labels",
     NO_PARAMS, false},
    {"lab", "histogram", "lab.histogram(column, {bins=20, svg=path})",
     "how numbers are spread, as text and as a figure", P(clab__histogram_params, clab__n_histogram), false},
    {"lab", "budget", "lab.budget(\"8G\")",
     "the memory this session may take; without argument: what is in force", NO_PARAMS, false},
    {"lab", "mem", "mem()", "who holds which bytes, since which line, and what is measured beside it", NO_PARAMS,
     false},
    {"mem", "diff", "mem.diff([earlier])", "what the last statement, or all since mem() returned earlier, changed",
     NO_PARAMS, false},
    {"lab", "devices", "lab.devices()", "what device= can name here: {name, usable, reason}", NO_PARAMS, false},
    {"lab", "bytes", "lab.bytes(n)", "bytes in words: 41.2 MiB", NO_PARAMS, false},
    {"lab", "note", "lab.note(text)", "a note to the log", NO_PARAMS, false},
    {"lab", "version", "lab.version", "this program's version", NO_PARAMS, true},

    {"Dataset", "n_obs", "ds.n_obs", "number of cells", NO_PARAMS, true},
    {"Dataset", "n_vars", "ds.n_vars", "number of genes", NO_PARAMS, true},
    {"Dataset", "obs", "ds.obs.column", "table of the cells; columns can be set", NO_PARAMS, true},
    {"Dataset", "var", "ds.var.column", "table of the genes; columns can be set", NO_PARAMS, true},
    {"Dataset", "obsm", "ds.obsm.X_scVI", "arrays with a row for every cell; can be set", NO_PARAMS, true},
    {"Dataset", "varm", "ds.varm.PCs", "arrays with a row for every gene", NO_PARAMS, true},
    {"Dataset", "obsp", "ds.obsp.distances", "sparse matrices of cells x cells", NO_PARAMS, true},
    {"Dataset", "uns", "ds.uns.key", "whatever else the file holds; can be set", NO_PARAMS, true},
    {"Dataset", "layers", "ds.layers", "further matrices and their recipes", NO_PARAMS, true},
    {"Dataset", "name", "ds.name", "file or origin", NO_PARAMS, true},
    {"Dataset", "bytes", "ds.bytes", "bytes held", NO_PARAMS, true},
    {"Dataset", "counts_from", "ds.counts_from", "where the counts were found", NO_PARAMS, true},
    {"Dataset", "steps", "ds.steps", "the steps that were run, with their parameters", NO_PARAMS, true},
    {"Dataset", "save", "ds:save()", "obs, var, obsm and uns into the file that was read with backed=\"r+\"", NO_PARAMS, false},
    {"Dataset", "write", "ds:write(path, {compression=4})", "write an .h5ad, a 10x folder, or X as CSV or TSV, atomically",
     P(clab__write_params, clab__n_write), false},
    {"Dataset", "write_csv", "ds:write_csv(path, {\"column\", ...})", "write obs columns as CSV", NO_PARAMS,
     false},
    {"Dataset", "copy", "ds:copy()", "a second handle; counts are shared, edits are not", NO_PARAMS, false},
    {"Dataset", "free", "ds:free()", "give its bytes back now", NO_PARAMS, false},

    {"Integration", "train", "m:train{max_epochs=200, early_stopping=true}", "train the model",
     P(clab_scvi_train_params, clab_scvi_n_train_params), false},
    {"Integration", "latent", "m:latent([dataset])", "posterior means, cells x n_latent", NO_PARAMS, false},
    {"Integration", "history", "m.history.elbo_train[i]", "metric curves by epoch", NO_PARAMS, true},
    {"Integration", "genes", "m.genes", "its genes, in order", NO_PARAMS, true},
    {"Integration", "batches", "m.batches", "its batches, in order", NO_PARAMS, true},
    {"Integration", "epochs", "m.epochs", "epochs trained so far", NO_PARAMS, true},
    {"Integration", "trained", "m.trained", "whether it was trained", NO_PARAMS, true},
    {"Integration", "save", "m:save(path)", "write the model to a file; lab.load reads it", NO_PARAMS, false},
    {"Integration", "free", "m:free()", "give its bytes back now", NO_PARAMS, false},

    {"Model", "fit", "clf:fit(reference, {labels=\"cell_type\", features=\"combined\"})",
     "train on labelled cells", P(clab_fit_params, clab_fit_n_params), false},
    {"Model", "annotate", "clf:annotate(query, {from=both})",
     "label every cell: predicted_cell_type, prediction_confidence, probabilities",
     P(clab_annotate_params, clab_annotate_n_params), false},
    {"Model", "predict", "clf:predict(dataset)", "probabilities, cells x classes", NO_PARAMS, false},
    {"Model", "history", "clf.history.validation_mlogloss", "metric curves by round", NO_PARAMS, true},
    {"Model", "classes", "clf.classes", "the labels it knows", NO_PARAMS, true},
    {"Model", "save", "clf:save(path)", "write the model to a file; lab.load reads it", NO_PARAMS, false},
    {"Model", "free", "clf:free()", "give its bytes back now", NO_PARAMS, false},

    {"Column", "value_counts", "ds.obs.cell_type:value_counts{top=10}",
     "distinct values and how often they occur", P(clab__counts_params, clab__n_counts), false},
    {"Column", "isin", "ds.obs.cell_type:isin{\"B cells\"}", "true where the value is one of these", NO_PARAMS,
     false},
    {"Column", "unique", "ds.obs.cell_type:unique()", "distinct values", NO_PARAMS, false},
    {"Column", "tolist", "ds.obs.cell_type:tolist()", "a Lua list; missing values are false", NO_PARAMS, false},
    {"Column", "mean", "ds.obs.n_genes:mean()", "of the values that are not missing", NO_PARAMS, false},
    {"Column", "sum", "ds.obs.n_genes:sum()", "of the values that are not missing", NO_PARAMS, false},
    {"Column", "min", "ds.obs.n_genes:min()", "of the values that are not missing", NO_PARAMS, false},
    {"Column", "max", "ds.obs.n_genes:max()", "of the values that are not missing", NO_PARAMS, false},
    {"Column", "median", "ds.obs.n_genes:median()", "of the values that are not missing", NO_PARAMS, false},

    {"Table", "head", "ds.obs:head(5)", "the first rows", NO_PARAMS, false},
    {"Table", "columns", "ds.obs:columns()", "names of the columns", NO_PARAMS, false},
    {"Table", "column", "ds.obs:column(\"odd name\")", "a column by name", NO_PARAMS, false},
    {"Table", "has", "ds.obs:has(\"cell_type\")", "whether there is such a column", NO_PARAMS, false},
    {"Table", "lookup", "t:lookup(\"cell\", ds.obs.index, \"cell_type\")",
     "for every key, the value in its row; missing where there is none", NO_PARAMS, false},
    {"Table", "index", "ds.obs.index", "names of the rows", NO_PARAMS, true},

    {"Dictionary", "keys", "ds.uns:keys()", "names of the items", NO_PARAMS, false},

    {"Evaluation", "accuracy", "e.accuracy", "share of cells with the right label", NO_PARAMS, true},
    {"Evaluation", "balanced_accuracy", "e.balanced_accuracy", "mean recall of the classes", NO_PARAMS, true},
    {"Evaluation", "macro_f1", "e.macro_f1", "mean F1 of the classes", NO_PARAMS, true},
    {"Evaluation", "weighted_f1", "e.weighted_f1", "mean F1, weighted by class size", NO_PARAMS, true},
    {"Evaluation", "precision", "e.precision[\"B cells\"]", "by class", NO_PARAMS, true},
    {"Evaluation", "recall", "e.recall[\"B cells\"]", "by class", NO_PARAMS, true},
    {"Evaluation", "f1", "e.f1[\"B cells\"]", "by class", NO_PARAMS, true},
    {"Evaluation", "support", "e.support[\"B cells\"]", "cells of a class", NO_PARAMS, true},
    {"Evaluation", "classes", "e.classes", "the labels, sorted", NO_PARAMS, true},
    {"Evaluation", "matrix", "e.matrix[i][j]", "cells of class i that were called j", NO_PARAMS, true},
    {"Evaluation", "n", "e.n", "cells counted", NO_PARAMS, true},
    {"Evaluation", "n_skipped", "e.n_skipped", "cells without truth or prediction", NO_PARAMS, true},
    {"Evaluation", "table", "e:table([path])", "figures by class, as text", NO_PARAMS, false},
    {"Evaluation", "csv", "e:csv([path])", "figures by class, as CSV", NO_PARAMS, false},
    {"Evaluation", "json", "e:json([path])", "everything, as JSON", NO_PARAMS, false},
    {"Evaluation", "confusion", "e:confusion([path])", "the confusion matrix, as text", NO_PARAMS, false},
    {"Evaluation", "svg", "e:svg([path])", "the confusion matrix, as a figure", NO_PARAMS, false},

    {"Genes", "json", "lab.genes(a, b):json()", "the report as JSON", NO_PARAMS, false},
    {"Comparison", "json", "cmp:json([path])", "everything, as JSON", NO_PARAMS, false},

    {"History", "names", "m.history:names()", "names of the curves", NO_PARAMS, false},
    {"History", "epochs", "m.history:epochs(\"elbo_validation\")", "epochs at which a curve has points",
     NO_PARAMS, false},
};

const clab__doc *clab__docs(int *n)
{
    *n = COUNT(docs);
    return docs;
}

const clab__doc *clab__doc_get(const char *owner, const char *name)
{
    for (int i = 0; i < COUNT(docs); i++) {
        if ((!owner || strcmp(docs[i].owner, owner) == 0) && strcmp(docs[i].name, name) == 0)
            return &docs[i];
    }
    return NULL;
}
