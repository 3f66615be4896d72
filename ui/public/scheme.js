// Runs before the first paint, so that a dark page does not flash white. The rest is in src/theme/color_scheme.ts.
;(function () {
  var chosen = null
  try {
    chosen = localStorage.getItem('lockstep-scheme')
  } catch (error) {
    // Storage is off in this browser: the system's scheme it is.
  }
  if (chosen !== 'light' && chosen !== 'dark') chosen = matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light'
  document.documentElement.setAttribute('data-mantine-color-scheme', chosen)
})()
