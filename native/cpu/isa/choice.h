#pragma once

#include <string>
#include <vector>

#include "isa.h"

namespace cygnet::cpu {

// The instruction sets of this processor, best first.
const std::vector<const Isa*>& isas();

// Uses one of them from now on; not while kernels run.
void use_isa(const std::string& name);

}  // namespace cygnet::cpu
