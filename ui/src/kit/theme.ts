import { createTheme, type CSSVariablesResolver, type MantineColorsTuple } from "@mantine/core";

/** The accent: petrol, away from the blue and green that say "running" and "success". */
const petrol: MantineColorsTuple = ["#e9f6f7", "#d3ebed", "#a5d7db", "#73c2c8", "#4fb1b9", "#33a0a9", "#178089", "#0f6b74", "#0c5960", "#07444a"];
const gray: MantineColorsTuple = ["#f7f8f9", "#f0f2f4", "#e4e7ea", "#d6dade", "#c3c9cf", "#9aa3ad", "#6d7782", "#525b66", "#363d46", "#1c2127"];
/** What destroys: its filled steps carry white words. */
const red: MantineColorsTuple = ["#fdecec", "#fbd5d5", "#f5abab", "#ee8482", "#ff7b78", "#e0504d", "#c93a38", "#c02b2b", "#a32222", "#7f1a1a"];
/** Text first, ground last; dark has its own steps and is no mirror of light. */
const dark: MantineColorsTuple = ["#e7eaed", "#c4cbd2", "#9ba5b0", "#78838f", "#323940", "#272d33", "#1e2328", "#14171a", "#0f1214", "#0a0c0e"];

export const theme = createTheme({
  primaryColor: "petrol",
  primaryShade: { light: 7, dark: 6 }, // white words on them keep WCAG AA
  autoContrast: true,
  luminanceThreshold: 0.32,
  colors: { petrol, gray, dark, red },
  white: "#ffffff",
  black: "#14181c",
  fontFamily: "'Inter Variable', system-ui, -apple-system, 'Segoe UI', sans-serif",
  fontFamilyMonospace: "ui-monospace, 'SF Mono', 'Cascadia Code', Menlo, Consolas, 'DejaVu Sans Mono', monospace",
  fontSizes: { xs: "12px", sm: "13px", md: "14px", lg: "16px", xl: "19px" },
  spacing: { xs: "8px", sm: "12px", md: "16px", lg: "24px", xl: "32px" },
  radius: { xs: "3px", sm: "5px", md: "7px", lg: "10px", xl: "14px" },
  defaultRadius: "sm",
  headings: { fontWeight: "620", sizes: { h1: { fontSize: "19px" }, h2: { fontSize: "15px" }, h3: { fontSize: "14px" } } },
  cursorType: "pointer",
  components: {
    Button: { defaultProps: { size: "xs", fw: 560 } },
    ActionIcon: { defaultProps: { variant: "subtle", color: "gray", size: 30 } },
    TextInput: { defaultProps: { size: "sm" } },
    NumberInput: { defaultProps: { size: "sm" } },
    Textarea: { defaultProps: { size: "sm" } },
    Select: { defaultProps: { size: "sm" } },
    PasswordInput: { defaultProps: { size: "sm" } },
    Menu: { defaultProps: { shadow: "md", position: "bottom-end", transitionProps: { duration: 80 } } },
    Tooltip: { defaultProps: { openDelay: 350, withArrow: false, transitionProps: { duration: 80 }, fz: 12, px: 8, py: 4 } },
    Modal: { defaultProps: { centered: true, transitionProps: { duration: 120, transition: "fade" }, overlayProps: { backgroundOpacity: 0.45 } } },
    Tabs: { defaultProps: { keepMounted: false } },
    Switch: { defaultProps: { size: "sm", withThumbIndicator: false } },
    Checkbox: { defaultProps: { size: "xs" } },
  },
});

/** Names of our own for what Mantine has no word: surfaces, lines, status colours. All pairs keep WCAG AA. */
export const variables: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    "--mantine-color-body": "#ffffff",
    "--mantine-color-dimmed": "#5a6470",
    "--ground": "#ffffff",
    "--rail": "#f5f6f7",
    "--sunk": "#f3f5f6",
    "--raised": "#ffffff",
    "--line": "#e3e7ea",
    "--text": "#14181c",
    "--dim": "#5a6470",
    "--accent": "#0f6b74",
    "--accent-soft": "#e3f2f3",
    "--image-ground": "#eceff1",
    "--waiting": "#5a6470",
    "--running": "#1a62c5",
    "--good": "#1d7a3a",
    "--bad": "#c02b2b",
    "--warn": "#945600",
    "--shadow-pop": "0 6px 24px rgb(20 24 28 / 14%)",
  },
  dark: {
    "--mantine-color-body": "#14171a",
    "--mantine-color-dimmed": "#9ba5b0",
    "--ground": "#14171a",
    "--rail": "#0f1214",
    "--sunk": "#1a1e22",
    "--raised": "#1e2328",
    "--line": "#2a3037",
    "--text": "#e7eaed",
    "--dim": "#9ba5b0",
    "--accent": "#4fb1b9",
    "--accent-soft": "#153337",
    "--image-ground": "#0b0d0f",
    "--waiting": "#9ba5b0",
    "--running": "#6ea8fe",
    "--good": "#5cc27a",
    "--bad": "#ff7b78",
    "--warn": "#e3a544",
    "--shadow-pop": "0 8px 28px rgb(0 0 0 / 55%)",
  },
});
