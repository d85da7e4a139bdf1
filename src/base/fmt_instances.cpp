// Instances of fmt's templates that headers including only fmt/core.h refer to.
#include <fmt/format.h>

template auto fmt::formatter<fmt::string_view, char, void>::format(const fmt::string_view& val,
                                                                   fmt::format_context& ctx) const
    -> decltype(ctx.out());
