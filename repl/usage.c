/* usage.c -- what celllab --help prints. */
#include <stdio.h>

#include "cli.h"

void clab_usage_print(void)
{
    fputs("celllab " CLAB_VERSION ": labels the cells of a query study from a labelled reference.\n"
          "\n"
          "  celllab                               the prompt\n"
          "  celllab SCRIPT.lua [ARGS]             a session script as a batch job\n"
          "  celllab -e CODE [ARGS]                one line of it\n"
          "  celllab label --reference R.h5ad --query Q.h5ad --label COLUMN -o OUT.h5ad\n"
          "                                        the whole job; label --help lists its options\n"
          "  celllab inspect A.h5ad [B.h5ad] [--json] [--full]\n"
          "                                        what files hold, what a concat would cost\n"
          "  celllab simulate --cells N [--query-cells N] -o OUT\n"
          "                                        made-up studies with known types, as files\n"
          "  celllab plan SCRIPT.lua [ARGS]        what each line will hold and take, and the --mem to ask for;\n"
          "                                        plan --help: JSON, what-if, beside what was measured\n"
          "  celllab run --timeline F SCRIPT.lua   a batch job that writes down what each line took\n"
          "  celllab top [PID]                     memory and training of another session\n"
          "\n"
          "Anywhere:\n"
          "  --budget B     memory that may be taken, as 8G; default: the limits it finds\n"
          "  --threads N    worker threads; default: the allocation's, else at most 4\n"
          "  --plain        plain lines: no pane, no escape byte\n"
          "  --color WHEN   always, never or auto\n"
          "  --no-guard     no parent process that restores the terminal (for debuggers)\n"
          "  --             what follows belongs to the script\n"
          "\n"
          "Exit codes: 0 done, 1 error, 2 wrong usage, 130 interrupted.\n",
          stdout);
}
