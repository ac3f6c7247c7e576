/** Ten colours that are told apart, also by people who see few; then round the circle. */
const LIGHT = ["#1f6fd6", "#d9480f", "#2b8a3e", "#9c36b5", "#b8860b", "#0c8599", "#c2255c", "#5f3dc4", "#5c940d", "#868e96"];
const DARK = ["#6cb2ff", "#ff9d66", "#69db7c", "#e599f7", "#ffd43b", "#3bc9db", "#ff8fab", "#b197fc", "#a9e34b", "#ced4da"];
const GOLDEN = 137.508;

export function colourOf(index: number, isDark: boolean): string {
  const list = isDark ? DARK : LIGHT;
  return list[index] ?? `hsl(${Math.round((index * GOLDEN) % 360)} 65% ${isDark ? 68 : 42}%)`;
}
