#pragma once
// cli: `slipway ml …`, the same grammar as `az ml …`, and what belongs to it. A client of the REST
// faces: it may include only base, http and resources, so it can do nothing that REST cannot.

namespace slipway::cli {

// Runs one command and returns the exit code of the program (see ExitCode in command.h). argv[0]
// named `az` selects the grammar of `az`; else argv[1] is `ml`, `completion` or `install-az-shim`.
int cli_main(int argc, char** argv);

}  // namespace slipway::cli
